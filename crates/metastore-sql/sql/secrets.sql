select client_id, main_hash, secondary_hash, salt
from principal_secret
where realm = $1 and principal_id = $2
