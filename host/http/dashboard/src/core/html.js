// Markup as tagged templates. Texts that are put in become text nodes or attribute values, never markup.
import { h } from "preact";
import htm from "htm";

export const html = htm.bind(h);
