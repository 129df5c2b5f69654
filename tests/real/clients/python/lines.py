"""How a test speaks with a program: each question is a JSON array on a line of standard input, each answer a line of JSON."""

import json
import sys

# Libraries log to standard output, which is for answers.
_answers = sys.stdout
sys.stdout = sys.stderr


def answer_all(questions):
    """Says that the program is ready and answers until the input ends. `questions` are functions by the word that asks for them."""
    _say({"ready": True})
    for line in sys.stdin:
        word, *rest = json.loads(line)
        try:
            _say(questions[word](*rest))
        except Exception as failure:
            _say({"error": repr(failure)})


def _say(what):
    print(json.dumps(what), file=_answers, flush=True)
