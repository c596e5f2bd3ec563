drop policy person_reads on merchants;
create policy person_reads on merchants for select
    using (id in (select merchant_id from members where user_id = (select current_person())));
drop function merchants_of_member();
