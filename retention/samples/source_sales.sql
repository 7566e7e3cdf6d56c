-- The sample company's sales system: articles, tickets as rung up, their lines, and the figures finance loads each morning.
create table article (
    article_no bigint primary key, title varchar(200), dept varchar(40), commodity varchar(60), sub_commodity varchar(60),
    brand_name varchar(40), list_price numeric(10, 2), cost_price numeric(10, 2), curr varchar(3), stock integer,
    repeat_purchase boolean, changed_on timestamp, simulated boolean
);
create table ticket (
    ticket_no bigint primary key, card_no varchar(12), opened_on timestamp, paid_on timestamp, voided_on timestamp,
    refunded_on timestamp, curr varchar(3), amount_list numeric(12, 2), amount_off numeric(12, 2),
    amount_refunded numeric(12, 2), sales_channel varchar(10), store_no integer, voucher_no varchar(20), promo varchar(20),
    changed_on timestamp, simulated boolean
);
create table ticket_line (
    ticket_no bigint, line_no integer, article_no bigint, qty numeric(12, 3), unit_price numeric(12, 4),
    amount_off numeric(12, 2), qty_back numeric(12, 3), back_on timestamp, changed_on timestamp, simulated boolean,
    primary key (ticket_no, line_no)
);
create table market_figure (
    series varchar(40), area varchar(20), on_day date, value numeric(14, 4), loaded_on timestamp, simulated boolean,
    primary key (series, on_day)
);
