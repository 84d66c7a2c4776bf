import subprocess
import sys


def test_it_imports_tensorflow_and_says_nothing():
    code = (
        "import sys, tfrecords.imported_tensorflow; assert 'tensorflow' in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
