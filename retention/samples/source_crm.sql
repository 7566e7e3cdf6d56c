-- The sample company's CRM, as such systems look: short codes, local times without offset, dates of birth as typed.
create table t_contact (
    contact_no varchar(12) primary key, full_name varchar(120), sex char(1), mail varchar(200), mobile varchar(40),
    dob varchar(10), wedding_day date, city_name varchar(60), province varchar(60), job varchar(60),
    origin_channel varchar(10), owner_staff varchar(60), contact_type char(1), trait varchar(60), lang varchar(5),
    test_flag boolean, created_on timestamp, modified_on timestamp, simulated boolean
);
create table t_lead (
    lead_no varchar(12) primary key, full_name varchar(120), sex char(1), mail varchar(200), mobile varchar(40),
    dob varchar(10), city_name varchar(60), province varchar(60), origin_channel varchar(10), lang varchar(5),
    created_on timestamp, modified_on timestamp, simulated boolean
);
create table t_contact_label (
    contact_no varchar(12), label varchar(40), labelled_by varchar(60), labelled_on timestamp, dropped_on timestamp,
    modified_on timestamp, simulated boolean, primary key (contact_no, label, labelled_on)
);
create table t_permission (
    permission_id bigint primary key, contact_no varchar(12), topic varchar(10), medium varchar(10), answer char(1),
    answered_on timestamptz, form varchar(40), modified_on timestamp, simulated boolean
);
create table t_recommendation (
    rec_id bigint primary key, from_contact varchar(12), to_contact varchar(12), to_text varchar(120), made_on timestamp,
    converted_on timestamp, reward numeric(10, 2), modified_on timestamp, simulated boolean
);
create table t_points_book (
    entry_no bigint primary key, contact_no varchar(12), entry_type char(1), points integer, booked_on timestamp,
    valid_until date, modified_on timestamp, simulated boolean
);
create table t_membership (
    membership_no varchar(12) primary key, contact_no varchar(12), plan_article bigint, start_day date, renew_day date,
    yearly_fee numeric(10, 2), curr varchar(3), renewed_on timestamp, ended_on timestamp, modified_on timestamp,
    simulated boolean
);
create table t_wallet (
    contact_no varchar(12), wallet_kind varchar(20), on_day date, balance numeric(12, 2), curr varchar(3),
    modified_on timestamp, simulated boolean, primary key (contact_no, wallet_kind, on_day)
);
create table t_mail_event (
    event_no bigint primary key, mailing varchar(20), contact_no varchar(12), medium varchar(10), what char(1),
    happened_on timestamp, modified_on timestamp, simulated boolean
);
