const { default: Sequencer } = require("@jest/test-sequencer");

/**
 * Test files that mostly wait for processes of their own (test/system) are taken in turn with those that compute: at the beginning
 * only they would leave the processors idle, and at the end the last of them would.
 */
module.exports = class InTurn extends Sequencer {
  sort(tests) {
    const longestFirst = super.sort(tests);
    const isWaiting = ({ path }) => /[\\/]test[\\/]system[\\/]/.test(path);
    const waiting = longestFirst.filter(isWaiting);
    const computing = longestFirst.filter((test) => !isWaiting(test));
    return [
      ...waiting.flatMap((test, index) => [test, ...computing.slice(index, index + 1)]),
      ...computing.slice(waiting.length),
    ];
  }
};
