// The text of `toji config init`: how an administrator makes what the site document only names.

export const INIT_TEXT = `How to make what toji.yml names. Nothing here is run or sent for you; read, adapt, and run it yourself.

1. The login Toji uses on the hub: a client certificate whose CN is a hub user with the "host" permission.
   On the machine that holds your Koji CA (the names koji_ca_cert.crt and .key are yours to change):

     openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \\
       -subj /CN=toji -keyout toji.key -out toji.csr
     openssl x509 -req -in toji.csr -CA koji_ca_cert.crt -CAkey koji_ca_cert.key -CAcreateserial \\
       -days 365 -out toji.crt
     koji add-user toji
     koji grant-permission host toji
     cat toji.key toji.crt > toji.pem
     aws ssm put-parameter --type SecureString --name /toji/hub/client --value "$(cat toji.pem)"
     shred -u toji.key toji.pem

   "host" is enough for everything. With "admin" as well (and hub.admin: true in toji.yml) tasks of a lost builder
   are freed at once; without it the hub frees them itself, after 15 minutes.

2. The CA that signs builder identities. Each launch gets a certificate of its own, CN = slot name, valid for a day.
   Make a CA of its own for it, so that the hub's CA key stays where it is:

     openssl req -x509 -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1825 \\
       -subj "/CN=toji builders" -keyout builders.key -out builders.crt
     cat builders.key builders.crt > builders.pem
     aws ssm put-parameter --type SecureString --name /toji/builders/ca --value "$(cat builders.pem)"
     shred -u builders.key builders.pem

   and let the hub trust it beside your own: append builders.crt to the file that SSLCACertificateFile of the hub's
   Apache names, and reload Apache. Whoever holds this key can be any user of the hub: the hub takes the CN as the
   login name. In hub.conf set LoginCreatesUser = False, so that it cannot invent users.

3. If your hub's own certificate is signed by a private CA, and hub.serverCaParameter in toji.yml names it:

     aws ssm put-parameter --type String --name /toji/hub/server-ca --value "$(cat koji-server-ca.crt)"

4. Copy toji.example.yml to toji.yml, fill it in, and look before anything is deployed:

     npx toji config check toji.yml
     npx toji plan --hub https://koji.example.org/kojihub --config toji.yml`;
