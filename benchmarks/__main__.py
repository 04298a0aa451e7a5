"""`make bench`"""

from benchmarks import engine, package, sync_cost, synth

if __name__ == "__main__":
    synth.main()
    package.main()
    sync_cost.main()
    engine.main()
