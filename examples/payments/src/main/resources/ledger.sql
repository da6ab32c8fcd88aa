-- The books, in SQL that H2 and PostgreSQL read alike. Amounts are minor units: cents.

create table if not exists account (
  id varchar(32) primary key,
  currency char(3) not null,
  kind varchar(8) not null check (kind in ('CUSTOMER', 'EQUITY')),
  balance bigint not null,
  -- The last line of defence: a customer account can never be overdrawn, whatever the code does.
  constraint account_not_overdrawn check (kind <> 'CUSTOMER' or balance >= 0)
);

create table if not exists payment (
  id uuid primary key,
  from_account varchar(32) not null references account,
  to_account varchar(32) not null references account,
  amount bigint not null check (amount > 0),
  currency char(3) not null,
  reference varchar(140) not null,
  status varchar(16) not null,
  created_at timestamp(6) with time zone not null,
  check (from_account <> to_account)
);

create index if not exists payment_from on payment (from_account, created_at);
create index if not exists payment_to on payment (to_account, created_at);

-- One line of the books. The lines of a payment add up to zero, and so do the opening lines, which
-- belong to no payment; hence all lines do.
create table if not exists ledger_entry (
  id bigint generated always as identity primary key,
  payment_id uuid references payment,
  account_id varchar(32) not null references account,
  amount bigint not null check (amount <> 0),
  created_at timestamp(6) with time zone not null
);

create index if not exists ledger_entry_account on ledger_entry (account_id);
create index if not exists ledger_entry_payment on ledger_entry (payment_id);
