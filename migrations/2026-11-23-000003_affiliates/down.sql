drop policy affiliate_reads on merchants;
drop table affiliate_terms;
drop table affiliates;
drop table offer_terms;
drop table offers;
