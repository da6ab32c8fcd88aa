package io.idem.spring.boot;

import io.idem.testkit.http.ContractScript;
import io.idem.testkit.http.HttpContractServer;
import io.idem.testkit.http.LeasedHttpContract;

/** The contract on WebFlux, with leases in PostgreSQL. */
class WebFluxPostgresContractTest extends LeasedHttpContract {

  @Override
  protected HttpContractServer start(ContractScript script) {
    return new ContractNode(
        script, ContractNode.Kind.REACTIVE_ON_A_DATABASE, new ContractStore.Postgres());
  }
}
