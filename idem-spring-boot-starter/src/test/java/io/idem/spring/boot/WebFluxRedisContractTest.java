package io.idem.spring.boot;

import io.idem.testkit.http.ContractScript;
import io.idem.testkit.http.HttpContractServer;
import io.idem.testkit.http.LeasedHttpContract;

/** The contract on WebFlux, with leases in Redis. */
class WebFluxRedisContractTest extends LeasedHttpContract {

  @Override
  protected HttpContractServer start(ContractScript script) {
    return new ContractNode(script, ContractNode.Kind.REACTIVE, new ContractStore.Redis());
  }
}
