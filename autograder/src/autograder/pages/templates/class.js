// Sorts a table by the column whose heading is pressed, and shows the students that are asked for.
const value = (row, column) => {
  const text = row.cells[column].textContent.trim(), number = parseFloat(text)
  return column && !Number.isNaN(number) ? number : column && !text ? -1 : text
}
function sortable(table) {
  const heads = [...table.tHead.rows[0].cells]
  heads.forEach((head, column) => {
    const button = document.createElement("button")
    button.type = "button"
    button.append(...head.childNodes)
    head.append(button)
    button.onclick = () => {
      const way = head.ariaSort === "ascending" ? -1 : 1
      heads.forEach(other => other.removeAttribute("aria-sort"))
      head.setAttribute("aria-sort", way === 1 ? "ascending" : "descending")
      const keys = new Map([...table.tBodies[0].rows].map(row => [row, value(row, column)]))
      const order = (a, b) => typeof a === typeof b && typeof a === "string"
        ? a.localeCompare(b, undefined, {numeric: true}) : typeof a === "string" ? 1 : typeof b === "string" ? -1 : a - b
      table.tBodies[0].append(...[...keys.keys()].sort((a, b) => way * order(keys.get(a), keys.get(b))))
    }
  })
}
function filterable(table) {
  const tools = document.createElement("div")
  tools.className = "tools"
  tools.innerHTML = `<label>Student's name contains <input type="search" autocomplete="off"></label>
    <label>Show <select><option value="">all students<option value="w">waiting for a person
    <option value="f">failed to be graded<option value="l">with a late penalty<option value="b">below half of the points</select></label>
    <span role="status"></span>`
  const [name, kind, told] = [tools.querySelector("input"), tools.querySelector("select"), tools.lastElementChild]
  const rows = [...table.tBodies[0].rows].map(row => [row, row.cells[0].textContent.toLowerCase()])
  const show = () => {
    const asked = name.value.trim().toLowerCase()
    let left = 0
    for (const [row, student] of rows) {
      row.hidden = !(student.includes(asked) && (row.dataset.is ?? "").includes(kind.value))
      left += !row.hidden
    }
    told.textContent = left === rows.length ? `${left} students` : `${left} of ${rows.length} students`
  }
  name.oninput = kind.onchange = show
  show()
  table.parentElement.before(tools)
}
for (const table of document.querySelectorAll("table.students")) {
  const ready = () => { sortable(table); filterable(table) }
  const folded = table.closest("details")
  folded.open ? ready() : folded.addEventListener("toggle", ready, {once: true})
}
// A link to a folded part opens it.
const unfold = () => document.getElementById(decodeURIComponent(location.hash.slice(1)))?.setAttribute("open", "")
addEventListener("hashchange", unfold)
unfold()
