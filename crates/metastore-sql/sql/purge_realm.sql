-- Its keys go along.
delete from realm where name = $1 returning name
