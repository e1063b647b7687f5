// Colours, search and contents of the built-in renderer. Pages read without it.
(function () {
  "use strict";
  var root = document.documentElement;
  var dark = window.matchMedia("(prefers-color-scheme: dark)");
  root.classList.add("with-scripts");

  function recall() {
    try {
      return window.localStorage.getItem("workbench-scheme");
    } catch (error) {
      return null;
    }
  }

  function remember(scheme) {
    try {
      window.localStorage.setItem("workbench-scheme", scheme);
    } catch (error) {
      return;
    }
  }

  function isDark() {
    var kept = root.dataset.scheme;
    return kept === "dark" || (kept === "system" && dark.matches);
  }

  function setScheme(scheme) {
    root.dataset.scheme = scheme;
    root.classList.toggle("quarto-dark", scheme === "dark");
    root.classList.toggle("quarto-light", scheme === "light");
  }

  var kept = recall();
  if (kept === "dark" || kept === "light") {
    setScheme(kept);
  }

  function startScheme() {
    var button = document.getElementById("scheme-button");
    function show() {
      button.setAttribute("aria-pressed", String(isDark()));
    }
    button.addEventListener("click", function () {
      var next = isDark() ? "light" : "dark";
      setScheme(next);
      remember(next);
      show();
    });
    dark.addEventListener("change", show);
    show();
  }

  function fold(text) {
    return text.toLowerCase().normalize("NFD").replace(/[\u0300-\u036f]/g, "");
  }

  function loadIndex(then) {
    if (window.workbenchSearch) {
      then();
      return;
    }
    var script = document.createElement("script");
    script.src = root.dataset.root + "search.js";
    script.addEventListener("load", then);
    document.head.appendChild(script);
  }

  function rate(entry, words) {
    var title = fold(entry.title);
    var section = fold(entry.section);
    var text = fold(entry.text);
    var sum = 0;
    for (var i = 0; i < words.length; i += 1) {
      var found =
        (title.includes(words[i]) ? 6 : 0) +
        (section.includes(words[i]) ? 4 : 0) +
        (text.includes(words[i]) ? 1 : 0);
      if (!found) {
        return 0;
      }
      sum += found;
    }
    return sum;
  }

  function excerpt(text, words) {
    var folded = fold(text);
    var at = folded.length === text.length ? folded.indexOf(words[0]) : 0;
    var start = at > 50 ? text.indexOf(" ", at - 50) + 1 : 0;
    return (start > 0 ? "… " : "") + text.slice(start, start + 150);
  }

  function mark(parent, text, words) {
    var folded = fold(text);
    var at = 0;
    while (folded.length === text.length && at < text.length) {
      var next = -1;
      var length = 0;
      words.forEach(function (word) {
        var found = folded.indexOf(word, at);
        if (found >= 0 && (next < 0 || found < next)) {
          next = found;
          length = word.length;
        }
      });
      if (next < 0) {
        break;
      }
      parent.append(text.slice(at, next));
      var hit = document.createElement("mark");
      hit.textContent = text.slice(next, next + length);
      parent.append(hit);
      at = next + length;
    }
    parent.append(text.slice(at));
  }

  function draw(entry, words) {
    var item = document.createElement("li");
    var link = document.createElement("a");
    var head = document.createElement("b");
    var body = document.createElement("span");
    link.href = root.dataset.root + entry.href;
    mark(head, entry.section ? entry.title + " › " + entry.section : entry.title, words);
    mark(body, excerpt(entry.text, words), words);
    link.append(head, body);
    item.append(link);
    return item;
  }

  function startSearch() {
    var panel = document.getElementById("search-panel");
    var input = document.getElementById("search-input");
    var state = document.getElementById("search-state");
    var list = document.getElementById("search-results");

    function search() {
      var words = fold(input.value).split(/\s+/).filter(Boolean);
      list.replaceChildren();
      if (words.join("").length < 2) {
        state.textContent = "Type two letters or more.";
        return;
      }
      var hits = (window.workbenchSearch || [])
        .map(function (entry) {
          return { entry: entry, rating: rate(entry, words) };
        })
        .filter(function (hit) {
          return hit.rating > 0;
        })
        .sort(function (one, other) {
          return other.rating - one.rating;
        });
      hits.slice(0, 12).forEach(function (hit) {
        list.append(draw(hit.entry, words));
      });
      var count = hits.length === 1 ? "1 place" : hits.length + " places";
      state.textContent = hits.length ? count : "Nothing found.";
    }

    input.addEventListener("input", function () {
      loadIndex(search);
    });
    list.addEventListener("click", function () {
      panel.hidePopover();
    });
    document.addEventListener("keydown", function (event) {
      var typing = /^(input|textarea|select)$/i.test(event.target.tagName);
      if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
        event.preventDefault();
        panel.showPopover();
      }
    });
  }

  function startContents() {
    var links = document.querySelectorAll("#TOC a");
    if (!links.length || !("IntersectionObserver" in window)) {
      return;
    }
    var byId = {};
    links.forEach(function (link) {
      byId[decodeURIComponent(link.hash.slice(1))] = link;
    });
    var observer = new IntersectionObserver(
      function (seen) {
        seen.forEach(function (entry) {
          if (entry.isIntersecting) {
            links.forEach(function (link) {
              link.classList.toggle("active", link === byId[entry.target.id]);
            });
          }
        });
      },
      { rootMargin: "-80px 0px -70% 0px" }
    );
    Object.keys(byId).forEach(function (id) {
      var section = document.getElementById(id);
      if (section) {
        observer.observe(section);
      }
    });
  }

  function startScrolling() {
    document.querySelectorAll(".quarto-float-fig > div, main pre").forEach(function (box) {
      if (box.scrollWidth > box.clientWidth) {
        box.tabIndex = 0;
      }
    });
  }

  window.addEventListener("load", startScrolling);
  document.addEventListener("DOMContentLoaded", function () {
    startScheme();
    startSearch();
    startContents();
    var current = document.querySelector("#quarto-sidebar .active");
    var sidebar = document.getElementById("quarto-sidebar");
    if (current && current.offsetTop > sidebar.clientHeight) {
      sidebar.scrollTop = current.offsetTop - sidebar.clientHeight / 2;
    }
  });
})();
