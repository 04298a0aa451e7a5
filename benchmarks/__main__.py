"""`make bench`"""

from benchmarks import migration, package, synth

if __name__ == "__main__":
    synth.main()
    package.main()
    migration.main()
