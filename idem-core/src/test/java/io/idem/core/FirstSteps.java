package io.idem.core;

final class FirstSteps {
  public static void main(String[] args) {
    try (Idempotency idempotency = Idempotency.inMemory()) {
      Operation<String> charge = idempotency.operation("charge", String.class).build();
      IdempotentRequest request = IdempotentRequest.of("order-42").comparing("10 EUR");

      System.out.println(charge.execute(request, attempt -> "receipt-1"));
      System.out.println(charge.execute(request, attempt -> "receipt-2")); // a retry
      System.out.println(charge.execute(request.comparing("99 EUR"), attempt -> "receipt-3"));
    }
  }
}
