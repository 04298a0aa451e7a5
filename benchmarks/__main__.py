"""`make bench`"""

from benchmarks import engine, package, synth

if __name__ == "__main__":
    synth.main()
    package.main()
    engine.main()
