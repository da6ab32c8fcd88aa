package io.idem.guard.jdbc;

/** The guards on H2. */
class H2GuardsTest extends GuardContract {

  H2GuardsTest() {
    super(Backend.H2);
  }
}
