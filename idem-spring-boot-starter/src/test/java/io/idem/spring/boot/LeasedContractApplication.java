package io.idem.spring.boot;

import io.idem.core.AbandonedPolicy;
import io.idem.core.Attempt;
import io.idem.core.Disposition;
import io.idem.http.HeaderField;
import io.idem.http.HttpOutcome;
import io.idem.http.StoredResponse;
import io.idem.spring.Idempotent;
import io.idem.testkit.http.ContractScript;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.PathVariable;
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
          new HttpOutcome.Answered(
              new StoredResponse(
                  200,
                  List.of(new HeaderField("Content-Type", "text/plain")),
                  "recovered".getBytes(StandardCharsets.UTF_8)),
              Disposition.RECORD));
    }
  }

  @RestController
  static class LeasedEndpoints extends ContractApplication.Handlers {

    LeasedEndpoints(ContractScript script, ContractApplication.Effects effects) {
      super(script, effects);
    }

    @PostMapping("/contract/refusing/{name}")
    @Idempotent(waitAtMost = "0", lease = "2s")
    @Nullable ResponseEntity<byte[]> refusing(
        @PathVariable String name, HttpServletRequest request, HttpServletResponse response)
        throws Exception {
      return answer(name, request, response);
    }

    @PostMapping("/contract/retrying/{name}")
    @Idempotent(waitAtMost = "0", lease = "2s", onAbandoned = "RETRY")
    @Nullable ResponseEntity<byte[]> retrying(
        @PathVariable String name, HttpServletRequest request, HttpServletResponse response)
        throws Exception {
      return answer(name, request, response);
    }

    @PostMapping("/contract/recovering/{name}")
    @Idempotent(waitAtMost = "0", lease = "2s", onAbandoned = "contractRecovery")
    @Nullable ResponseEntity<byte[]> recovering(
        @PathVariable String name, HttpServletRequest request, HttpServletResponse response)
        throws Exception {
      return answer(name, request, response);
    }
  }
}
