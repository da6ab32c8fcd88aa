package io.idem.spring.boot;

import io.idem.testkit.http.ContractScript;
import io.idem.testkit.http.HttpContractServer;
import io.idem.testkit.http.TransactionalHttpContract;

/** The contract on Spring MVC, in transactions of H2. */
class MvcH2ContractTest extends TransactionalHttpContract {

  @Override
  protected HttpContractServer start(ContractScript script) {
    return new ContractNode(script, ContractNode.Kind.TRANSACTIONAL, new ContractStore.H2());
  }
}
