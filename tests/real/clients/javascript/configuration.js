// Reads a configuration by cloud-config-client.
//
// usage: configuration.js '{"server": URL, "user": …, "password": …, "name": …, "profile": …, "label": …}'
'use strict'

const client = require('cloud-config-client')
const { answerAll } = require('./lines')

async function main() {
  const settings = JSON.parse(process.argv[2])
  const configuration = await client.load({
    endpoint: settings.server,
    name: settings.name,
    profiles: settings.profile,
    label: settings.label,
    auth: { user: settings.user, pass: settings.password },
  })
  await answerAll({
    properties: (...keys) => keys.map((key) => configuration.get(key) ?? null),
  })
}

main()
