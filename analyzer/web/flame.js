/*
 * Makes the picture answer: details under the pointer, a click zooms, a search highlights. All it knows it reads from the
 * document; names are only ever handled as text. Without it the picture is complete, only still.
 */
(function () {
	"use strict";
	var script = document.currentScript;
	var svg = (script && script.ownerSVGElement) || document.documentElement;
	var left = Number(svg.getAttribute("data-left"));
	var width = Number(svg.getAttribute("data-width"));
	var charWidth = Number(svg.getAttribute("data-char"));
	var rowHeight = Number(svg.getAttribute("data-row"));
	var details = svg.querySelector(".details");
	var matched = svg.querySelector(".matched");
	var unzoomButton = svg.querySelector(".unzoom");
	var searchButton = svg.querySelector(".search");
	var caseButton = svg.querySelector(".case");
	var frames = [];
	var byElement = new Map();
	var root = null;
	var zoomed = null;
	var pattern = "";
	var ignoreCase = false;

	function readFrames() {
		svg.querySelectorAll(".frames > g").forEach(function (element) {
			var rect = element.querySelector("rect");
			var title = element.querySelector("title").textContent;
			var frame = {
				element: element,
				rect: rect,
				label: element.querySelector("text"),
				title: title,
				name: title.slice(0, title.lastIndexOf(" (")),
				start: Number(element.getAttribute("data-s")),
				weight: Number(element.getAttribute("data-n")),
				y: Number(rect.getAttribute("y")),
				depth: 0
			};
			root = root || frame;
			frame.depth = Math.round(Math.abs(frame.y - root.y) / rowHeight);
			element.setAttribute("class", "open");
			frames.push(frame);
			byElement.set(element, frame);
		});
	}

	function setLabel(frame, x, shownWidth) {
		var room = Math.floor((shownWidth - 6) / charWidth);
		var chars;

		if (room < 3) {
			if (frame.label)
				frame.label.textContent = "";
			return;
		}
		if (!frame.label) {
			frame.label = document.createElementNS("http://www.w3.org/2000/svg", "text");
			frame.label.setAttribute("y", String(frame.y + rowHeight - 5));
			frame.element.appendChild(frame.label);
		}
		chars = Array.from(frame.name);
		frame.label.setAttribute("x", (x + 3).toFixed(2));
		frame.label.textContent = chars.length <= room ? frame.name : chars.slice(0, room - 2).join("") + "..";
	}

	function contains(outer, inner) {
		return outer.start <= inner.start && outer.start + outer.weight >= inner.start + inner.weight;
	}

	function place(frame) {
		var above = frame.depth < zoomed.depth && contains(frame, zoomed);
		var inside = frame.depth >= zoomed.depth && contains(zoomed, frame);
		var x = left;
		var shownWidth = width;

		frame.element.classList.toggle("gone", !above && !inside);
		frame.element.classList.toggle("above", above);
		if (!above && !inside)
			return;
		if (inside) {
			x = left + (frame.start - zoomed.start) / zoomed.weight * width;
			shownWidth = frame.weight / zoomed.weight * width;
		}
		frame.rect.setAttribute("x", x.toFixed(2));
		frame.rect.setAttribute("width", shownWidth.toFixed(2));
		setLabel(frame, x, shownWidth);
	}

	function zoom(frame) {
		zoomed = frame;
		frames.forEach(place);
		unzoomButton.classList.toggle("off", frame === root);
		remember();
	}

	/* Weight under matching frames, each counted once however deep matches nest. */
	function coveredWeight(hits) {
		var end = -1;
		var sum = 0;

		hits.sort(function (a, b) { return a.start - b.start || b.weight - a.weight; });
		hits.forEach(function (hit) {
			if (hit.start + hit.weight <= end)
				return;
			sum += hit.start + hit.weight - Math.max(end, hit.start);
			end = hit.start + hit.weight;
		});
		return sum;
	}

	function search(text) {
		var expression = null;
		var hits = [];

		pattern = text;
		try {
			expression = text ? new RegExp(text, ignoreCase ? "i" : "") : null;
		} catch (error) {
			matched.textContent = "Not a valid search pattern";
			return;
		}
		frames.forEach(function (frame) {
			var hit = expression !== null && frame !== root && expression.test(frame.name);

			frame.element.classList.toggle("hit", hit);
			if (hit)
				hits.push(frame);
		});
		matched.textContent = expression === null ? "" :
			"Matched: " + (100 * coveredWeight(hits) / root.weight).toFixed(2) + " % in " + hits.length +
			(hits.length === 1 ? " frame" : " frames");
		searchButton.textContent = expression === null ? "Search" : "Clear search";
		remember();
	}

	function askSearch() {
		var text = window.prompt("Search for functions (regular expression)", pattern);

		if (text !== null)
			search(text);
	}

	function toggleCase() {
		ignoreCase = !ignoreCase;
		caseButton.classList.toggle("on", ignoreCase);
		search(pattern);
	}

	/* The view stands in the address, so that it can be passed on. */
	function remember() {
		var parts = [];

		if (zoomed && zoomed !== root)
			parts.push("z=" + zoomed.start + "," + zoomed.weight + "," + zoomed.depth);
		if (pattern)
			parts.push("s=" + encodeURIComponent(pattern));
		if (ignoreCase)
			parts.push("i=1");
		try {
			window.history.replaceState(null, "", "#" + parts.join("&"));
		} catch (error) {
			/* refused in some embeddings: the view is then simply not kept */
		}
	}

	function recall() {
		var wanted = new URLSearchParams(window.location.hash.slice(1));
		var place = (wanted.get("z") || "").split(",").map(Number);
		var target = frames.find(function (frame) {
			return frame.start === place[0] && frame.weight === place[1] && frame.depth === place[2];
		});

		if (wanted.get("i") === "1")
			toggleCase();
		if (wanted.get("s"))
			search(wanted.get("s"));
		if (target)
			zoom(target);
	}

	function showDetails(text) {
		var shown;

		details.textContent = text;
		shown = details.getComputedTextLength();
		if (shown > width)
			details.textContent = text.slice(0, Math.floor(text.length * width / shown) - 2) + "..";
	}

	function frameOf(node) {
		var element = node instanceof Element ? node.closest(".frames > g") : null;

		return element ? byElement.get(element) : undefined;
	}

	function onKey(event) {
		var key = event.key.toLowerCase();

		if (event.key === "F3" || ((event.ctrlKey || event.metaKey) && key === "f"))
			askSearch();
		else if ((event.ctrlKey || event.metaKey) && key === "i")
			toggleCase();
		else if (event.key === "Escape" && pattern)
			search("");
		else if (event.key === "Escape")
			zoom(root);
		else
			return;
		event.preventDefault();
	}

	function onButton(button, action) {
		button.classList.remove("gone");
		button.addEventListener("click", action);
		button.addEventListener("keydown", function (event) {
			if (event.key === "Enter" || event.key === " ") {
				event.preventDefault();
				action();
			}
		});
	}

	readFrames();
	if (!root)
		return;
	zoomed = root;
	unzoomButton.classList.add("off");
	onButton(unzoomButton, function () { zoom(root); });
	onButton(searchButton, function () { if (pattern) search(""); else askSearch(); });
	onButton(caseButton, toggleCase);
	svg.addEventListener("click", function (event) {
		var frame = frameOf(event.target);

		if (frame)
			zoom(frame);
	});
	svg.addEventListener("mouseover", function (event) {
		var frame = frameOf(event.target);

		showDetails(frame ? frame.title : "");
	});
	window.addEventListener("keydown", onKey);
	recall();
})();
