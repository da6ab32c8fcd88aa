package io.idem.spring.boot;

import io.idem.core.AbandonedPolicy;
import io.idem.core.Attempt;
import io.idem.http.HeaderField;
import io.idem.http.HttpOutcome;
import io.idem.spring.Idempotent;
import io.idem.testkit.http.ContractScript;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;

/** Its effects are what nothing undoes, and it has the endpoints that only leases have. */
@Configuration(proxyBeanMethods = false)
@Import({ContractApplication.class, LeasedContractApplication.Marks.class})
class LeasedContractApplication {

  @Bean
  Recovery contractRecovery() {
    return new Recovery();
  }

  record Marks(ContractScript script) implements ContractApplication.Effects {

    @Override
    public void add(String name) {
      script.mark(name);
    }

    @Override
    public void addAndReject(String name) {
      throw new UnsupportedOperationException("There is no transaction");
    }
  }

  /** Finds that every run has happened. */
  static final class Recovery implements AbandonedPolicy.RecoveryHook<HttpOutcome> {

    @Override
    public AbandonedPolicy.Recovery<HttpOutcome> recover(Attempt attempt) {
      return new AbandonedPolicy.Recovery.Happened<>(
          HttpOutcome.answered(
              200,
              List.of(new HeaderField("Content-Type", "text/plain")),
              "recovered".getBytes(StandardCharsets.UTF_8)));
    }
  }

  @RestController
  static class LeasedEndpoints {

    @PostMapping("/contract/refusing/{name}")
    @Idempotent(waitAtMost = "0", lease = "2s")
    @Nullable ResponseEntity<byte[]> refusing(ContractApplication.Call call) throws Exception {
      return call.answer();
    }

    @PostMapping("/contract/retrying/{name}")
    @Idempotent(waitAtMost = "0", lease = "2s", onAbandoned = "RETRY")
    @Nullable ResponseEntity<byte[]> retrying(ContractApplication.Call call) throws Exception {
      return call.answer();
    }

    @PostMapping("/contract/recovering/{name}")
    @Idempotent(waitAtMost = "0", lease = "2s", onAbandoned = "contractRecovery")
    @Nullable ResponseEntity<byte[]> recovering(ContractApplication.Call call) throws Exception {
      return call.answer();
    }
  }
}
