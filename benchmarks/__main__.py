"""`make bench`"""

from benchmarks import migration

if __name__ == "__main__":
    migration.main()
