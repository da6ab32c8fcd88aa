-- The shop, in SQL that H2 and PostgreSQL read alike. Amounts are minor units: cents.

create table if not exists shop_order (
  id uuid primary key,
  number varchar(32) not null,
  customer varchar(32) not null references account,
  seller varchar(32) not null references account,
  amount bigint not null check (amount > 0),
  state varchar(16) not null,
  created_at timestamp(6) with time zone not null,
  -- What makes a number unique; the guard relies on it.
  constraint shop_order_number unique (customer, number),
  check (customer <> seller)
);

-- A row for each transition that was applied, in the same transaction.
create table if not exists order_history (
  id bigint generated always as identity primary key,
  order_id uuid not null references shop_order,
  state varchar(16) not null,
  at timestamp(6) with time zone not null
);

create index if not exists order_history_order on order_history (order_id);

-- What the carrier said last. The sequence is the carrier's own.
create table if not exists shipment (
  order_id uuid primary key references shop_order,
  sequence bigint,
  status varchar(32)
);

create table if not exists product (
  id varchar(32) primary key,
  stock bigint not null check (stock >= 0)
);

insert into product (id, stock)
  select 'coffee', 30 where not exists (select 1 from product where id = 'coffee');
