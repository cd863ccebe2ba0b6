/* What <metadata> of a domain holds: our mark, and the words of others that
 * serve as tags.
 *
 * A mark is one element of our own namespace:
 *
 *   <bootmend:mark xmlns:bootmend="urn:bootmend:mark:1" campaign="..."
 *     controller="..." since="..." alone="yes"/>
 *
 * alone="yes" says that the domain had no <metadata> before: libvirt leaves an
 * empty one when the last element goes, which would be a change that stays. */

#ifndef BOOTMEND_LIBVIRT_METADATA_H
#define BOOTMEND_LIBVIRT_METADATA_H

#include <libxml/tree.h>

#include <base/json.h>

#define MARK_NAMESPACE "urn:bootmend:mark:1"
#define MARK_PREFIX    "bootmend"

/* The mark under a <metadata> element (NULL is fine) or NULL. */
json_t *mark_from_metadata (const xmlNode *metadata);
/* The mark from the text of the mark element alone; NULL if it is none. */
json_t *mark_from_text (const char *text);
/* The element for virDomainSetMetadata: without prefix, which libvirt adds. */
char *mark_to_text (const json_t *mark, bool alone);

/* "instance/name": "web-1", "instance/flavor@name": "m1.small"; not ours. */
json_t *tags_from_metadata (const xmlNode *metadata);
/* "OpenStack Nova" and the like, by its namespace; NULL if nobody known. */
const char *manager_from_metadata (const xmlNode *metadata);

/* A copy of a domain's XML without our mark, and without the <metadata> that
 * is then empty: what has to be the same before and after. */
char *definition_without_mark (const char *xml);
/* The same, but an empty <metadata/> goes only. */
char *definition_without_empty_metadata (const char *xml);

#endif
