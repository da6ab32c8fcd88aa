package io.idem.examples.payments;

import java.time.Clock;
import java.time.Instant;
import java.util.UUID;
import org.springframework.stereotype.Service;
import org.springframework.transaction.annotation.Transactional;

/**
 * Makes payments: everything about one in one transaction.
 *
 * <ol>
 *   <li>Both accounts must be customers', and the caller must own the one that pays.
 *   <li>Both accounts are locked, in the order of their ids: two payments in opposite directions
 *       queue for the same account first, so neither can hold what the other waits for.
 *   <li>The funds are checked under that lock.
 *   <li>The payment and its two lines are written, and both balances moved.
 * </ol>
 */
@Service
class Payments {

  private final Ledger ledger;
  private final Clock clock;

  Payments(Ledger ledger, Clock clock) {
    this.ledger = ledger;
    this.clock = clock;
  }

  /**
   * Moves the money.
   *
   * @param caller the customer who asks, by the id of their account
   * @throws PaymentRejected when it is not possible; nothing has changed then
   */
  @Transactional
  public Payment pay(String caller, PaymentRequest request) {
    requireCustomer(request.from());
    requireCustomer(request.to());
    if (!request.from().equals(caller)) {
      throw new PaymentRejected.NotYourAccount(request.from());
    }
    if (lockBoth(request).balance() < request.amount()) {
      throw new PaymentRejected.InsufficientFunds(request.from());
    }
    return book(request);
  }

  private void requireCustomer(String account) {
    if (ledger.account(account).filter(Account::ofCustomer).isEmpty()) {
      throw new PaymentRejected.Invalid("There is no account '" + account + "'.");
    }
  }

  /** Locks both accounts and returns the one that pays. */
  private Account lockBoth(PaymentRequest request) {
    boolean payerFirst = request.from().compareTo(request.to()) < 0;
    if (!payerFirst) {
      ledger.lock(request.to());
    }
    Account payer = ledger.lock(request.from()).orElseThrow();
    if (payerFirst) {
      ledger.lock(request.to());
    }
    return payer;
  }

  private Payment book(PaymentRequest request) {
    Instant now = Ledger.timestamp(clock);
    Payment payment =
        new Payment(
            UUID.randomUUID(),
            Payment.COMPLETED,
            request.from(),
            request.to(),
            request.amount(),
            request.currency(),
            request.reference(),
            now);
    ledger.insert(payment);
    ledger.add(payment.id(), request.from(), -request.amount(), now);
    ledger.add(payment.id(), request.to(), request.amount(), now);
    return payment;
  }
}
