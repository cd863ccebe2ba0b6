/* Every result that libcurl knows, as the error that the engine sees. */

#include <string.h>

#include <net/curl-internal.h>

#include "unit.h"

static struct err *
err_of (CURLcode result, unsigned starts, const char *why)
{
  struct transfer t = {.starts = starts, .repeatable = true};
  struct err *err;

  t.easy = curl_easy_init ();
  t.url.host = xstrdup ("ec2.example");
  strncpy (t.why, why, sizeof t.why - 1);
  err = transfer_err (&t, result);
  free (t.url.host);
  curl_easy_cleanup (t.easy);
  return err;
}

/* What left may have had an effect; what did not leave, had none. */
static void
test_effect (void)
{
  for (int i = 1; i < CURL_LAST; i++)
    for (unsigned starts = 0; starts < 3; starts++) {
      CLEANUP_ERR struct err *err = err_of ((CURLcode)i, starts, "");

      CU_ASSERT_PTR_NOT_NULL_FATAL (err);
      CU_ASSERT_EQUAL (err->code == ERR_UNKNOWN_EFFECT, starts > 0);
      CU_ASSERT_EQUAL (strncmp (err->msg, "ec2.example: ", 13), 0);
      CU_ASSERT_PTR_NULL (strchr (err->msg, '\n'));
    }
}

static void
test_codes (void)
{
  static const struct {
    CURLcode result;
    const char *why;
    enum err_code code;
    const char *says;
  } rows[] = {
      {CURLE_COULDNT_RESOLVE_HOST, "", ERR_TRANSIENT, "DNS"},
      {CURLE_COULDNT_CONNECT, "", ERR_TRANSIENT, "NO_PROXY"},
      {CURLE_OPERATION_TIMEDOUT, "", ERR_TRANSIENT, "Timeout"},
      {CURLE_RECV_ERROR, "Connection\x1b[2J reset", ERR_TRANSIENT,
       "Connection\\x1b[2J reset"},
      {CURLE_PEER_FAILED_VERIFICATION, "", ERR_AUTH, "--ca-file"},
      {CURLE_SSL_CACERT_BADFILE, "", ERR_AUTH, "SSL_CERT_FILE"},
      {CURLE_SSL_CONNECT_ERROR, "Connection reset by peer", ERR_TRANSIENT,
       "reset"},
      {CURLE_SSL_CONNECT_ERROR, "error:1409442E:tlsv1 alert protocol version",
       ERR_PROTOCOL, "TLS 1.2"},
      {CURLE_SSL_CONNECT_ERROR, "error:1408F10B:wrong version number",
       ERR_PROTOCOL, "TLS 1.2"},
      {CURLE_URL_MALFORMAT, "", ERR_USAGE, ""},
      {CURLE_FAILED_INIT, "", ERR_INTERNAL, ""},
  };

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    CLEANUP_ERR struct err *err = err_of (rows[i].result, 0, rows[i].why);

    CU_ASSERT_EQUAL (err->code, rows[i].code);
    CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, rows[i].says));
  }
}

static const struct unit_case cases[] = {
    {"effect or none", test_effect},
    {"codes and advice", test_codes},
};

int
main (void)
{
  curl_use ();
  return unit_run ("errors", cases, ARRAY_SIZE (cases));
}
