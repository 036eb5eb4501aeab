select version from entity where realm = $1 and id = $2
