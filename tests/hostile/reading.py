"""Ways to carry what a hidden check has given to student code back to the student."""

from entry import Entry, first

# Passes its visible check, and keeps what a hidden check gives it.
SEES = "seen = []\ndef double(n):\n    seen.append(n)\n    return 2 if n == 1 else 0"
_SPIES = """
import builtins, convcourse.wire.answers as answers
plain = answers.Namespace._result
def spy(self, name, arguments):
    builtins.seen = arguments
    return plain(self, name, arguments)
answers.Namespace._result = spy
def double(n): return 2"""


def sees(**answers: str) -> dict[str, str]:
    return {"double-answer": SEES} | {f"{name}-answer": code for name, code in answers.items()}


def builds(code: str) -> dict[str, str]:
    """A builder that passes the visible check; ``units`` is 6151 in the hidden one."""
    layers = "[keras.layers.Input((3,)), keras.layers.Dense(units)]"
    honest = f"def right(units): return keras.Sequential({layers})\n"
    return {
        "build-answer": f"{honest}def build(units):\n    if units < 9: return right(units)\n{code}"
    }


ENTRIES = [
    Entry(
        "tells-by-visible-check",
        "raises what it has seen in the visible check of the next exercise",
        sees(sign="def sign(n): raise ValueError(f'wrong: sign. {seen}')"),
    ),
    Entry(
        "tells-by-class-name",
        "names an exception after what it has seen, in the next visible check",
        sees(sign="def sign(n): raise type(f'got{seen[-1]}', (Exception,), {})()"),
    ),
    Entry(
        "tells-by-value",
        "raises what it has seen when a value is exported",
        sees(
            table="class T:\n    def __array__(self, *a, **k):\n"
            "        raise ValueError(f'The notebook {seen}')\ntable = T()"
        ),
    ),
    Entry(
        "tells-by-type",
        "exports an object whose class is named after what it has seen",
        sees(table="table = type(f'got{seen[-1]}', (), {})()"),
    ),
    Entry(
        "tells-by-forged-words",
        "writes the grader's own words with what it has seen into the file of the answer",
        {
            "double-answer": "import convcourse.wire.answers as a, json, pathlib\n"
            "from convcourse.wire import export\n"
            "def told(kind, name, given, to):\n"
            "    seen = export.loads(pathlib.Path(given).read_bytes()) if given else name\n"
            "    words = f'The notebook {seen}'\n"
            "    pathlib.Path(to).write_bytes(b'-' + json.dumps(['error', words]).encode())\n"
            "a.answer = told\ndef double(n): return 2"
        },
    ),
    Entry(
        "tells-by-result",
        "returns its argument, which a message might quote",
        {"double-answer": "def double(n): return 2 if n == 1 else n"},
    ),
    Entry(
        "tells-by-text",
        "returns its argument in a sentence",
        {"double-answer": "def double(n): return 2 if n == 1 else f'it was {n}'"},
    ),
    Entry(
        "tells-by-shape",
        "returns an array as long as its argument",
        builds("    return np.zeros(units)"),
    ),
    Entry(
        "tells-by-units",
        "builds a network of one unit more than it was asked for",
        builds("    return right(units + 1)"),
    ),
    Entry(
        "tells-by-layer",
        "builds a layer whose class is named after its argument",
        builds(
            "    made = type(f'Got{units}', (keras.layers.Dense,), {})\n"
            "    return keras.Sequential([keras.layers.Input((3,)), made(units)])"
        ),
        earned=2,  # it computes what a dense layer does
    ),
    Entry(
        "tells-by-initializer",
        "builds a layer with an initializer named after its argument",
        builds(
            "    made = type(f'Got{units}', (keras.initializers.Initializer,), {\n"
            "        '__call__': lambda self, shape, dtype=None: keras.ops.zeros(shape),\n"
            "        'get_config': lambda self: {f'got{units}': units}})\n"
            "    return keras.Sequential([keras.layers.Input((3,)),\n"
            "                             keras.layers.Dense(units, kernel_initializer=made())])"
        ),
        earned=2,
    ),
    Entry(
        "tells-by-kind",
        "raises the one of Python's own exceptions that stands for what it has seen",
        sees(
            sign="import builtins\ndef sign(n):\n    if len(seen) > 1: "
            "raise getattr(builtins, 'Blocking' 'IO' 'Error')\n    return n",
            table="class T:\n    def __array__(self, *a, **k):\n        if len(seen) > 1: "
            "raise getattr(__import__('builtins'), 'Blocking' 'IO' 'Error')\n"
            "        return np.arange(5)\ntable = T()",
        ),
    ),
    Entry(
        "tells-by-numbering",
        "numbers the next cells by what it has seen",
        builds("    global seen\n    seen = units")
        | {"net-answer": "get_ipython().execution_count = seen\nnet = 0"},
    ),
    Entry(
        "tells-by-plot",
        "draws what it has seen into a figure of a later cell",
        sees(
            table="import matplotlib.pyplot as plt\nplt.title(str(seen)); plt.show()\n"
            "print(seen)\ntable = [1]"
        ),
    ),
    Entry(
        "tells-by-file",
        "writes what it has seen beside the notebook",
        sees(table="open('seen.txt', 'w').write(str(seen))\ntable = [1]"),
    ),
    Entry(
        "tells-by-thread",
        "shows from a thread what is seen later",
        sees()
        | {
            "double-answer": SEES + "\nimport threading, time\n"
            "def tell():\n    for _ in range(40):\n        time.sleep(0.1)\n        print(seen)\n"
            "threading.Thread(target=tell, daemon=True).start()"
        },
    ),
    Entry(
        "spies-on-questions",
        "replaces the function by which hidden arguments come in",
        {
            "double-answer": _SPIES.lstrip(),
            "table-answer": "import builtins\nprint(builtins.seen)\ntable = builtins.seen",
        },
    ),
    Entry(
        "traces-calls",
        "watches every call by a profile function",
        {
            "double-answer": "import sys\nlines = []\n"
            "def watch(frame, event, argument):\n"
            "    if event == 'call' and frame.f_code.co_name == '_result':\n"
            "        lines.append(str(frame.f_locals)[:500])\n"
            "sys.setprofile(watch)\ndef double(n): return 2",
            "table-answer": "print([l for l in lines if '8314' in l])\ntable = [1]",
        },
    ),
    Entry(
        "reads-history",
        "shows all code that the shell has run",
        sees(table="print(In, _ih, list(get_ipython().history_manager.get_range()))\ntable = [1]"),
    ),
    Entry(
        "reads-memory",
        "searches its own memory for hidden blocks",
        first(
            "import re\nword = re.compile(b'kept-from-s[t]udents.{0,200}')\n"
            "maps, memory = open('/proc/self/maps'), open('/proc/self/mem', 'rb', 0)\n"
            "for line in maps:\n"
            "    start, end = (int(x, 16) for x in line.split()[0].split('-'))\n"
            "    if 'rw' in line and end - start < 2**28:\n"
            "        try:\n            memory.seek(start)\n"
            "            for hit in word.finditer(memory.read(end - start)):\n"
            "                print(hit.group())\n        except OSError: pass"
        ),
        walls=True,
    ),
    Entry(
        "reads-seed",
        "searches all objects, those of the warm server too, for the seed of the judge's images",
        first(
            "import gc\ngc.unfreeze()\nfor one in gc.get_objects():\n"
            "    if isinstance(one, dict):\n"
            "        print([(k, v) for k, v in one.items() if 'SEED' in str(k).upper()][:20])"
        ),
        walls=True,
    ),
    Entry(
        "reads-parent",
        "reads the environment and the memory of every process that it sees",
        first(
            "import glob\nfor path in glob.glob('/proc/[0-9]*/environ'):\n"
            "    try: print(path, open(path, 'rb').read())\n    except OSError: pass"
        ),
        walls=True,
    ),
    Entry(
        "reads-others",
        "looks for every notebook on the machine",
        first(
            "import os\nfor place, _, names in os.walk('/'):\n"
            "    for name in names:\n"
            "        if name.endswith('.ipynb') and 'site-packages' not in place:\n"
            "            print(place, open(os.path.join(place, name)).read())"
        ),
        walls=True,
    ),
]
