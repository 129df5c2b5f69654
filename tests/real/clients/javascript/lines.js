// How a test speaks with a program: each question is a JSON array on a line of standard input, each answer a line of JSON.
'use strict'

const readline = require('readline')

// Says that the program is ready and answers until the input ends. `questions` are functions by the word that asks for them.
exports.answerAll = async function answerAll(questions) {
  say({ ready: true })
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const [word, ...rest] = JSON.parse(line)
    try {
      say(await questions[word](...rest))
    } catch (failure) {
      say({ error: String(failure) })
    }
  }
}

function say(what) {
  process.stdout.write(JSON.stringify(what) + '\n')
}
