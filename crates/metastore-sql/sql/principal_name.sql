select name from entity where realm = $1 and id = $2 and type_code = 2
