package io.idem.jdbc;

/** The stores on H2. */
class H2ContractTest extends StoreContracts {

  H2ContractTest() {
    super(Backend.H2);
  }
}
