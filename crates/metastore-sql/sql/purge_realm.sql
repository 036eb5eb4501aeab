-- All that is in it goes along: also what a newer version put into tables of its own.
delete from realm where name = $1 returning name
