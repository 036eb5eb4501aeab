select name from realm where name = $1
