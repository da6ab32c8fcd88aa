package io.idem.examples.payments;

import java.util.List;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/**
 * The books over HTTP. Every user of the demonstration reads all of them, so that the page can show
 * both sides of a payment.
 */
@RestController
@RequestMapping("/api")
class LedgerController {

  private final Ledger ledger;

  LedgerController(Ledger ledger) {
    this.ledger = ledger;
  }

  @GetMapping("/accounts/{id}")
  Account account(@PathVariable String id) {
    return ledger
        .account(id)
        .filter(Account::ofCustomer)
        .orElseThrow(() -> new NotFound("There is no account '" + id + "'."));
  }

  @GetMapping("/ledger")
  List<LedgerEntry> entries(@RequestParam(defaultValue = "50") int limit) {
    return ledger.entries(Limit.of(limit));
  }

  @GetMapping("/ledger/summary")
  LedgerSummary summary() {
    return ledger.summary();
  }
}
