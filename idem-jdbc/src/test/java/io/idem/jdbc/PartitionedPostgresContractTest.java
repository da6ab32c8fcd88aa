package io.idem.jdbc;

/** The stores on PostgreSQL with a partitioned table. */
class PartitionedPostgresContractTest extends StoreContracts {

  PartitionedPostgresContractTest() {
    super(() -> TestDatabase.partitioned(Partitioning.daily()));
  }
}
