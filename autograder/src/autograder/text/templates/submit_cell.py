# Hand in: save the notebook, then run this cell. It says what is missing and makes one archive.
from convcourse import submit

submit.pack("$name")
