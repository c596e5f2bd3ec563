drop table form_answers;
