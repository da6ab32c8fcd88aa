package io.idem.servlet;

import io.idem.core.InMemoryStore;
import io.idem.testkit.http.ContractScript;
import io.idem.testkit.http.HttpContractServer;
import io.idem.testkit.http.LeasedHttpContract;
import io.idem.testkit.http.NodeSettings;

/** The contract on plain servlets, over the store in memory. */
class ServletContractTest extends LeasedHttpContract {

  @Override
  protected HttpContractServer start(ContractScript script) {
    return new ContractTomcat(script, new InMemoryStore(), NodeSettings.USUAL);
  }
}
