/* Which addresses may be called, and how.
 *
 * Credentials go only where TLS shows who is there.  Plain HTTP is for this
 * machine (a fake cloud, a container's credential endpoint) and for the
 * link-local metadata services, which have nothing else; these never see a
 * proxy.  The name is checked here, before anything is sent, and the address
 * that it led to once more when the connection stands. */

#ifndef BOOTMEND_URL_RULES_H
#define BOOTMEND_URL_RULES_H

#include <stdbool.h>

#include <base/err.h>

struct url_facts {
  char *host;      /* without port and brackets; for messages */
  bool plain_http; /* no TLS: address_is_local must hold for the peer */
  bool local;      /* this machine or a metadata service: no proxy */
};

/* ERR_USAGE with a sentence for what is not allowed. */
int url_check (const char *url, struct url_facts *facts,
               struct err **err) ATTR_USE;
void url_facts_release (struct url_facts *facts);
#define CLEANUP_URL_FACTS CLEANUP (url_facts_release)

/* An IP address in text form that is loopback, link-local or fd00:ec2::/32,
 * where EC2's metadata service has its IPv6 address. */
bool address_is_local (const char *address);

/* "https://host/path": without user, query and fragment, where secrets may be.
 * Never NULL. */
char *url_for_log (const char *url);

#endif
