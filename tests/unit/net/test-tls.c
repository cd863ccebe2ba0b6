/* TLS against a certificate authority of the test's own. */

#include <string.h>
#include <unistd.h>

#include <base/files.h>

#include "certs.h"
#include "client.h"
#include "server.h"
#include "unit.h"

static struct certs certs;
static char *ca_path;

static struct exchange
call (const char *certificate, const char *priorities, const char *ca_file,
      int *requests)
{
  struct server_tls tls = {certs.key_pem, certificate, priorities};
  struct server *s = server_start (&tls);
  struct transport *t = new_transport (ca_file);
  struct exchange c = run_path (t, "POST", "https", s->port, "/ok");

  *requests = s->requests;
  transport_free (t);
  server_stop (s);
  return c;
}

static void
test_accepted (void)
{
  int requests;
  struct exchange c = call (certs.good_pem, NULL, ca_path, &requests);

  CU_ASSERT_PTR_NULL_FATAL (c.err);
  CU_ASSERT_STRING_EQUAL (c.reply.body, "hello");
  exchange_release (&c);
  c = call (certs.good_pem, "NORMAL:-VERS-ALL:+VERS-TLS1.2", ca_path,
            &requests);
  CU_ASSERT_PTR_NULL (c.err);
  exchange_release (&c);
}

static void
test_refused (void)
{
  const struct {
    const char *certificate, *priorities, *ca_file;
    enum err_code code;
    const char *says;
  } rows[] = {
      {certs.good_pem, NULL, NULL, ERR_AUTH, "--ca-file"},
      {certs.other_pem, NULL, ca_path, ERR_AUTH, "127.0.0.1"},
      {certs.expired_pem, NULL, ca_path, ERR_AUTH, "expired"},
      {certs.good_pem, "NORMAL:-VERS-ALL:+VERS-TLS1.1:%COMPAT", ca_path,
       ERR_PROTOCOL, "TLS 1.2"},
  };

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    int requests;
    struct exchange c = call (rows[i].certificate, rows[i].priorities,
                              rows[i].ca_file, &requests);

    CU_ASSERT_PTR_NOT_NULL_FATAL (c.err);
    CU_ASSERT_EQUAL (c.err->code, rows[i].code);
    if (strstr (c.err->msg, rows[i].says) == NULL)
      fprintf (stderr, "%s\n", c.err->msg);
    CU_ASSERT_PTR_NOT_NULL (strstr (c.err->msg, rows[i].says));
    CU_ASSERT_FALSE (c.sent);
    CU_ASSERT_EQUAL (requests, 0); /* not even the request line got through */
    exchange_release (&c);
  }
}

/* No TLS at all: a wrong port, or a proxy that answers for somebody. */
static void
test_plain_on_tls_port (void)
{
  struct server *s = server_start (NULL);
  struct transport *t = new_transport (ca_path);
  struct exchange c = run_path (t, "POST", "https", s->port, "/ok");

  CU_ASSERT_PTR_NOT_NULL_FATAL (c.err);
  /* The server may reset the connection before its answer has been read. */
  CU_ASSERT (c.err->code == ERR_PROTOCOL || c.err->code == ERR_TRANSIENT);
  CU_ASSERT_FALSE (c.sent);
  exchange_release (&c);
  transport_free (t);
  server_stop (s);
}

/* SSL_CERT_FILE and CURL_CA_BUNDLE replace the system's, --ca-file adds. */
static void
test_environment (void)
{
  static const char *const names[] = {"SSL_CERT_FILE", "CURL_CA_BUNDLE"};

  for (size_t i = 0; i < ARRAY_SIZE (names); i++) {
    struct transport_options options = {.ca_file = "/etc/passwd"};
    CLEANUP_ERR struct err *err = NULL;
    struct exchange c;
    int requests;

    setenv (names[i], ca_path, 1);
    c = call (certs.good_pem, NULL, NULL, &requests);
    CU_ASSERT_PTR_NULL (c.err);
    exchange_release (&c);
    CU_ASSERT_PTR_NULL (curl_transport_new (&options, &err));
    CU_ASSERT_EQUAL (err->code, ERR_INPUT);
    setenv (names[i], "/nonexistent", 1);
    err_free (TAKE (err));
    options.ca_file = NULL;
    CU_ASSERT_PTR_NULL (curl_transport_new (&options, &err));
    CU_ASSERT_PTR_NOT_NULL_FATAL (err);
    CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, names[i]));
    unsetenv (names[i]);
  }
}

/* What the operator's own files hold must not be lost by adding one. */
static void
test_added_to_environment (void)
{
  struct certs others;
  CLEANUP_FREE char *others_path = xasprintf ("%s.others", ca_path);
  int requests;
  struct exchange c;

  certs_make (&others);
  CU_ASSERT_EQUAL (file_write_atomic (others_path, others.ca_pem,
                                      strlen (others.ca_pem), 0600, NULL),
                   0);
  setenv ("SSL_CERT_FILE", ca_path, 1);
  c = call (certs.good_pem, NULL, others_path, &requests);
  CU_ASSERT_PTR_NULL (c.err);
  exchange_release (&c);
  setenv ("SSL_CERT_FILE", others_path, 1);
  c = call (certs.good_pem, NULL, ca_path, &requests);
  CU_ASSERT_PTR_NULL (c.err);
  exchange_release (&c);
  unsetenv ("SSL_CERT_FILE");
  certs_release (&others);
}

static const struct unit_case cases[] = {
    {"a good certificate", test_accepted},
    {"bad certificates and versions", test_refused},
    {"no TLS at all", test_plain_on_tls_port},
    {"CA files of the environment", test_environment},
    {"--ca-file adds", test_added_to_environment},
};

/* Takes OpenSSL's own minimum away, so that what refuses TLS 1.1 is our setting
 * and not the distribution's. */
static int
lower_openssl_minimum (const char *folder)
{
  static const char text[] = "openssl_conf = top\n[top]\nssl_conf = ssl\n"
                             "[ssl]\nsystem_default = low\n"
                             "[low]\nMinProtocol = TLSv1\n"
                             "CipherString = DEFAULT@SECLEVEL=0\n";
  CLEANUP_FREE char *path = path_join (folder, "openssl.cnf");

  if (file_write_atomic (path, text, sizeof text - 1, 0600, NULL) == -1)
    return -1;
  return setenv ("OPENSSL_CONF", path, 1);
}

int
main (void)
{
  char folder[] = "/tmp/bootmend-tls-XXXXXX";
  int ret;

  if (mkdtemp (folder) == NULL)
    return 1;
  unsetenv ("CURL_CA_BUNDLE"); /* what the developer's machine may have */
  unsetenv ("SSL_CERT_FILE");
  unsetenv ("SSL_CERT_DIR");
  if (lower_openssl_minimum (folder) == -1)
    return 1;
  certs_make (&certs);
  ca_path = path_join (folder, "ca.pem");
  if (file_write_atomic (ca_path, certs.ca_pem, strlen (certs.ca_pem), 0600,
                         NULL) == -1)
    return 1;
  ret = unit_run ("tls", cases, ARRAY_SIZE (cases));
  (void)folder_remove (folder, NULL);
  certs_release (&certs);
  free (ca_path);
  return ret;
}
