/* The real network: one libcurl multi handle.
 *
 * - HTTP/2 where the service has it, connections are kept and shared.
 * - TLS 1.2 or newer, always verified; there is no way to turn that off.
 *   Trusted are the certificates of CURL_CA_BUNDLE, else SSL_CERT_FILE and
 *   SSL_CERT_DIR, else the system's, and besides them those of ca_file.
 * - Proxies from HTTPS_PROXY, ALL_PROXY and NO_PROXY; this machine and metadata
 *   services are always called directly.
 * - Redirects are errors: a cloud API sends none, a login portal does.
 * - A request that is not repeatable leaves this machine at most once, even
 *   when a kept connection turns out to be dead (libcurl by itself would send
 *   it again).
 *
 * Only net/ uses libcurl; see transport.h for how it is driven. */

#ifndef BOOTMEND_CURL_TRANSPORT_H
#define BOOTMEND_CURL_TRANSPORT_H

#include "transport.h"

struct transport_options {
  const struct clock *clock; /* NULL: the real one */
  const char *ca_file;       /* PEM certificates to trust besides; NULL: none */
  const char *user_agent;    /* NULL: "bootmend/VERSION" */
  int64_t connect_ms;        /* 0: 10 s, for name, TCP, proxy and TLS */
  int64_t deadline_ms;       /* 0: 60 s, for the whole of one attempt */
  size_t max_reply_bytes;    /* 0: 32 MiB, after decompression */
  unsigned max_in_flight;    /* 0: 128 requests at the same time */
};

/* ERR_USAGE or ERR_INPUT if ca_file or a CA file of the environment can't be
 * read or holds no certificate. */
struct transport *curl_transport_new (const struct transport_options *options,
                                      struct err **err) ATTR_USE;

/* Trusts the certificates of one more file; `who` names it, for errors
 * (ERR_INPUT).  Once for each file. */
int curl_transport_trust (struct transport *transport, const char *who,
                          const char *file, struct err **err) ATTR_USE;

#endif
