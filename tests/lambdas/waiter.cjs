// Runs the CDK Provider's own code for one event of CloudFormation: its framework functions, and its waiter in an interpreter of the
// Amazon States Language. Standard input: {framework, definition, functions, variables, event}. Standard output, last line:
// {responses, polls, pauses, states}.
//
// Of AWS only these are stood in for: Lambda's Invoke asks the runtime emulator at `functions`, StartExecution starts the interpreter,
// and the PUT to CloudFormation is kept. The waiter's pauses are counted instead of slept.
const Module = require('node:module')
const path = require('node:path')
const { StateMachine } = require('aws-local-stepfunctions')

const { framework, definition, functions, variables, event } = JSON.parse(require('node:fs').readFileSync(0, 'utf8'))
Object.assign(process.env, variables)

// The runtime brings the AWS SDK; the framework's asset does not.
const load = Module._load
Module._load = (request, ...rest) => (request.startsWith('@aws-sdk/') ? {} : load(request, ...rest))
const outbound = require(path.join(framework, 'outbound'))
const doors = require(path.join(framework, 'framework'))
Module._load = load
console.log = () => {} // the framework's log

const responses = []
let polls = 0
outbound.httpRequest = async (_options, body) => responses.push(body)
outbound.invokeFunction = async ({ FunctionName, Payload }) => {
  const answer = await fetch(`${functions[FunctionName]}/2015-03-31/functions/function/invocations`, { method: 'POST', body: Payload })
  let text = await answer.text()
  // The emulator says it in words; Lambda's Invoke says it as an error (Lambda developer guide, "Function errors").
  if (text.startsWith('Task timed out')) text = JSON.stringify({ errorMessage: text })
  const failed = text !== '' && JSON.parse(text)?.errorMessage !== undefined
  return { Payload: Buffer.from(text), ...(failed && { FunctionError: 'Unhandled' }) }
}

// How Lambda hands a function's error on to Step Functions: its type as the error, and type and message as the cause.
async function asTask(door, input) {
  try {
    return (await door(input)) ?? null
  } catch (error) {
    const failure = new Error(JSON.stringify({ errorType: error.name, errorMessage: error.message, trace: [] }))
    failure.name = error.name
    throw failure
  }
}

outbound.startExecution = async ({ input }) => {
  const [poll, ...others] = Object.keys(definition.States)
  if (others.length !== 1) throw new Error(`the waiter has other states than two: ${[poll, ...others]}`)
  const machine = new StateMachine(definition, { validationOptions: { checkArn: false } })
  const taskResourceLocalHandlers = {
    [poll]: (input) => {
      polls += 1
      return asTask(doors.isComplete, input)
    },
    [others[0]]: (input) => asTask(doors.onTimeout, input),
  }
  const execution = machine.run(JSON.parse(input), { overrides: { taskResourceLocalHandlers, retryIntervalOverrides: { [poll]: 0 } } })
  await execution.result
}

doors.onEvent(event).then(() => {
  process.stdout.write(JSON.stringify({ responses, polls }) + '\n')
})
