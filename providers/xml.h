/* The smallest useful set of helpers over libxml2's tree, and safe parsing. */

#ifndef BOOTMEND_XML_H
#define BOOTMEND_XML_H

#include <stdbool.h>

#include <libxml/tree.h>

#include <base/err.h>

/* 200 EC2 instances with many interfaces each are 20 MB. */
#define XML_MAX_BYTES (32 * 1024 * 1024)

/* ERR_INPUT for anything with a DTD, too large, too deep or not well-formed. */
xmlDocPtr xml_parse (const char *text, const char *what,
                     struct err **err) ATTR_USE;
void cleanup_xml (xmlDocPtr *doc);
#define CLEANUP_XML CLEANUP (cleanup_xml)

/* From now on everything that libxml2 frees is overwritten first, for this
 * process: called by what reads secrets from XML. */
void xml_wipe_freed (void);

bool xml_is (const xmlNode *node, const char *name);
/* The first child element of that name; NULL node gives NULL. */
xmlNodePtr xml_child (const xmlNode *node, const char *name);
/* The next sibling element of the same name. */
xmlNodePtr xml_again (const xmlNode *node);
/* First or next child element of any name. */
xmlNodePtr xml_first (const xmlNode *node);
xmlNodePtr xml_next (const xmlNode *node);

/* An attribute or a text, copied; NULL if there is none (or node is NULL). */
char *xml_attr (const xmlNode *node, const char *name);
char *xml_text (const xmlNode *node);
/* With a default. */
char *xml_attr_or (const xmlNode *node, const char *name,
                   const char *otherwise);
bool xml_attr_is (const xmlNode *node, const char *name, const char *value);

#endif
