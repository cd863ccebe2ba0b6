/* Serial consoles that nobody records: a pty only reaches who listens.
 *
 * So we listen: from the moment that bootmend starts a domain, or first asks
 * for its console, a thread reads the console's stream and keeps the newest
 * part. What was written before is lost, and so is what comes while another
 * client has the console open (virsh console): it is not thrown out. */

#ifndef BOOTMEND_LIBVIRT_CONSOLE_H
#define BOOTMEND_LIBVIRT_CONSOLE_H

#include <libvirt/libvirt.h>

#include <base/json.h>

/* All consoles of a session. */
struct consoles;

struct consoles *consoles_new (void);
void consoles_unref (struct consoles *consoles);

/* Listens to the running domain from now on, if that is not done already. */
int console_follow (struct consoles *consoles, virConnectPtr conn,
                    virDomainPtr dom, struct err **err) ATTR_USE;

/* {text, after: {console, offset}} of what was heard of the domain since
 * `after` (NULL or of another listening: all that is kept). */
json_t *console_read (struct consoles *consoles, const char *uuid,
                      const json_t *after);

/* Puts "text": UTF-8 without NUL, other bytes as \xNN. */
void put_console_text (json_t *out, const char *text, size_t len);

#endif
