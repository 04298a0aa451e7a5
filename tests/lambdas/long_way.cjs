// Runs the migration's state machine in an interpreter of the Amazon States Language. Standard input: {definition, input, root, call, task, pauses_ms}.
// Standard output, last line: {status, output} or {status, error, cause}; before it a line for each call of a worker.
//
// Of AWS only these are stood in for: Lambda's PublishVersion copies the code in `root` aside, and Invoke starts the program `call` on such a
// copy, with the payload on its standard input. What the program answers, raises, or dies of comes back as Lambda would say it. ECS's RunTask
// starts the program `task` with the container's variables; it answers under its token at an address of this process, and one that ends without
// an answer is found dead when its heartbeat is missed.
const { spawn } = require('node:child_process')
const http = require('node:http')
const { cpSync, readdirSync } = require('node:fs')
const path = require('node:path')
const { StateMachine } = require('aws-local-stepfunctions')

const { definition, input, root, call, task, pauses_ms } = JSON.parse(require('node:fs').readFileSync(0, 'utf8'))
const say = (line) => process.stdout.write(JSON.stringify(line) + '\n')

function failure(name, message) {
  const error = new Error(message)
  error.name = name
  return error
}

function publish({ FunctionName }) {
  const version = String(readdirSync(path.dirname(root)).filter((name) => name.startsWith('version-')).length + 1)
  cpSync(root, path.join(path.dirname(root), `version-${version}`), { recursive: true })
  say({ published: version, function: FunctionName })
  return { Version: version, FunctionArn: `arn:aws:lambda:eu-west-1:123456789012:function:${FunctionName}:${version}` }
}

function invoke({ FunctionName, Qualifier, Payload }) {
  return new Promise((resolve, reject) => {
    const [program, ...args] = call
    const code = path.join(path.dirname(root), `version-${Qualifier}`)
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, LAMBDA_TASK_ROOT: code } })
    let text = ''
    child.stdout.on('data', (data) => (text += data))
    say({ started: Payload.Work, range: Payload.Range?.Number, pid: child.pid, version: Qualifier })
    child.on('close', (code, signal) => {
      say({ ended: Payload.Work, range: Payload.Range?.Number, code, signal })
      if (code !== 0) return reject(failure('Lambda.Unknown', `the worker of ${FunctionName} died: ${signal ?? code}`))
      const answer = JSON.parse(text.trim().split('\n').pop())
      if (answer.errorType) return reject(failure(answer.errorType, JSON.stringify(answer)))
      resolve({ Payload: answer, StatusCode: 200 })
    })
    child.stdin.end(JSON.stringify(Payload))
  })
}

const waiting = new Map()
const tokens = http.createServer(async (request, response) => {
  let body = ''
  for await (const part of request) body += part
  const { taskToken, output, error, cause } = JSON.parse(body)
  const action = request.headers['x-amz-target'].split('.').pop()
  const one = waiting.get(taskToken)
  say({ action })
  response.end('{}')
  if (action === 'SendTaskSuccess') one.resolve(JSON.parse(output))
  if (action === 'SendTaskFailure') one.reject(failure(error, cause))
})

function runTask({ TaskDefinition, Overrides }) {
  const [container] = Overrides.ContainerOverrides
  const variables = Object.fromEntries(container.Environment.map(({ Name, Value }) => [Name, Value]))
  const token = `${variables.SEACHANGE_TASK_TOKEN}-${waiting.size}`
  return new Promise((resolve, reject) => {
    waiting.set(token, { resolve, reject })
    const [program, ...args] = task
    const address = { AWS_ENDPOINT_URL_SFN: `http://127.0.0.1:${tokens.address().port}` }
    const env = { ...process.env, ...variables, ...address, SEACHANGE_TASK_TOKEN: token }
    delete env.LAMBDA_TASK_ROOT
    const child = spawn(program, args, { stdio: ['ignore', 2, 2], env })
    say({ started: variables.SEACHANGE_WORK, range: JSON.parse(variables.SEACHANGE_RANGE ?? 'null')?.Number, pid: child.pid, version: TaskDefinition })
    child.on('close', () => reject(failure('States.HeartbeatTimeout', 'no heartbeat')))
  })
}

const work = (parameters) => (parameters.Overrides ? runTask(parameters) : invoke(parameters))
const machine = new StateMachine(definition, { validationOptions: { checkArn: false } })
const overrides = {
  taskResourceLocalHandlers: { Pin: publish, Migrate: work, Range: work },
  retryIntervalOverrides: { Pin: pauses_ms, Migrate: pauses_ms, Range: pauses_ms },
}
tokens.listen(0, '127.0.0.1', () => {
  const context = { Task: { Token: 'token' } }
  machine.run(input, { overrides, context }).result.then(
    (output) => say({ status: 'SUCCEEDED', output: JSON.stringify(output) }),
    (error) => say({ status: 'FAILED', error: error.cause?.name ?? error.name, cause: error.cause?.message ?? error.message }),
  ).finally(() => tokens.close())
})
