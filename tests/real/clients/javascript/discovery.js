// A service that finds others and is found, by eureka-js-client.
//
// usage: discovery.js '{"registry": URL, "name": …, "id": …}'; cancels its registration when its input ends.
'use strict'

const http = require('http')
const { Eureka } = require('eureka-js-client')
const { answerAll } = require('./lines')

const settings = JSON.parse(process.argv[2])

// What others find at the registered address.
const server = http.createServer((request, response) => {
  response.writeHead(request.url === '/health' ? 200 : 404).end('{"status":"UP"}')
})

server.listen(0, '127.0.0.1', async () => {
  const client = clientAt(server.address().port)
  await promised((done) => client.start(done))
  await answerAll({
    instances: (name) => Object.fromEntries(client.getInstancesByAppId(name).map(described)),
    call: async (name, path) => {
      const [instance] = client.getInstancesByVipAddress(name)
      const answer = await fetch(`http://${instance.hostName}:${instance.port.$}${path}`)
      return answer.json()
    },
  })
  await promised((done) => client.stop(done))
  server.close()
  server.closeAllConnections()
})

function clientAt(port) {
  return new Eureka({
    shouldUseDelta: true,
    // Standard output is for answers.
    logger: new console.Console(process.stderr),
    instance: {
      app: settings.name,
      instanceId: settings.id,
      vipAddress: settings.name,
      hostName: '127.0.0.1',
      ipAddr: '127.0.0.1',
      port: { $: port, '@enabled': true },
      healthCheckUrl: `http://127.0.0.1:${port}/health`,
      dataCenterInfo: { '@class': 'com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo', name: 'MyOwn' },
      leaseInfo: { renewalIntervalInSecs: 1, durationInSecs: 10 },
      metadata: { zone: 'primary', place: 'a <shelf> & more' },
    },
    eureka: {
      serviceUrls: { default: [`${settings.registry}apps/`] },
      heartbeatInterval: 1000,
      registryFetchInterval: 1000,
    },
  })
}

function described(instance) {
  return [
    instance.instanceId,
    { host: instance.hostName, port: instance.port.$, status: instance.status, metadata: instance.metadata },
  ]
}

function promised(start) {
  return new Promise((resolve, reject) => start((error) => (error ? reject(error) : resolve())))
}
