"""`make bench`"""

from benchmarks import engine, package, simulation, sync_cost, synth

if __name__ == "__main__":
    synth.main()
    simulation.main()
    package.main()
    sync_cost.main()
    engine.main()
