package io.idem.jdbc;

/** The stores on PostgreSQL with a partitioned table, whose claims set their own bounds. */
class PartitionedPostgresContractTest extends StoreContracts {

  PartitionedPostgresContractTest() {
    super(() -> TestDatabase.partitioned(Partitioning.daily(), LockWait.PER_CLAIM));
  }
}
