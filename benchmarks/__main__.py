"""`make bench`"""

from benchmarks import migration, synth

if __name__ == "__main__":
    synth.main()
    migration.main()
