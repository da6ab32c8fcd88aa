package io.idem.examples.payments;

import io.idem.http.KeySyntax;
import io.idem.spring.Idempotent;
import java.net.URI;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.ResponseEntity;
import org.springframework.security.core.Authentication;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestAttribute;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import tools.jackson.databind.JsonNode;

/** Payments over HTTP. */
@RestController
@RequestMapping("/api/payments")
class PaymentController {

  /** What tokens are asked for under. */
  static final String OPERATION = "payments.pay";

  private final KeyedPayments payments;
  private final Ledger ledger;
  private final KeySyntax syntax;

  PaymentController(KeyedPayments payments, Ledger ledger, KeySyntax syntax) {
    this.payments = payments;
    this.ledger = ledger;
    this.syntax = syntax;
  }

  /**
   * The answer is recorded for the same request, and the payment for its key: a token of this
   * service, as the page takes one for each form, or what a client numbers its payments with. A
   * duplicate waits a second for the first, and is told to come again then.
   */
  @PostMapping
  @Idempotent(operation = OPERATION, keyFrom = "token-or-header", waitAtMost = "1s")
  ResponseEntity<Payment> pay(
      @RequestBody JsonNode body,
      @RequestHeader HttpHeaders headers,
      Authentication caller,
      @RequestAttribute(name = FlakyNetwork.FAULTS, required = false)
          @Nullable NetworkFaults faults) {
    if (faults != null) {
      NetworkFaults.pause(faults.slow());
    }
    Payment payment = payments.pay(caller.getName(), key(headers), PaymentRequest.from(body));
    return ResponseEntity.created(URI.create("/api/payments/" + payment.id())).body(payment);
  }

  /** As the endpoint's own record has it: quoted or bare, it is the same key. */
  private String key(HttpHeaders headers) {
    return syntax
        .parse(headers.getOrEmpty(syntax.headerName()))
        .fold(
            KeySyntax.Key::value,
            missing -> {
              throw new IllegalStateException("A request without a key is refused before");
            },
            malformed -> {
              throw new IllegalStateException("A malformed key is refused before");
            });
  }

  /** A payment, for its two parties. To anyone else it does not exist. */
  @GetMapping("/{id}")
  Payment payment(@PathVariable UUID id, Authentication caller) {
    return ledger
        .payment(id)
        .filter(payment -> Users.isOperator(caller) || payment.involves(caller.getName()))
        .orElseThrow(() -> new NotFound("There is no payment '" + id + "'."));
  }

  /** The newest payments of an account, by default the caller's own; an operator's are all. */
  @GetMapping
  List<Payment> payments(
      @RequestParam(required = false) @Nullable String account,
      @RequestParam(defaultValue = "50") int limit,
      Authentication caller) {
    int rows = Limit.of(limit);
    if (Users.isOperator(caller)) {
      return account == null ? ledger.payments(rows) : ledger.payments(account, rows);
    }
    if (account != null && !account.equals(caller.getName())) {
      throw new PaymentRejected.NotYourAccount(account);
    }
    return ledger.payments(caller.getName(), rows);
  }
}
